"""What automata of both kinds share: their files, how a training is saved and gone on with, how a rule is verified."""
