"""The fast backend: a rule as LLVM assembly, compiled for this processor."""
