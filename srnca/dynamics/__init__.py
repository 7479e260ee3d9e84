"""Train an automaton on the dynamics of a recording, and distil its rule.

footage = Footage(recordings)
checkpoint = train_recording(footage, config, out=Path("net.pt"))
result = distill_network(checkpoint, out=Path("net-rule"))
"""
