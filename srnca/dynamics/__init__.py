"""An automaton learns the dynamics of a recording, and its rule is read off it.

footage = Footage(recordings)
checkpoint = train_recording(footage, config, out=Path("net.pt"))
result = distill_network(checkpoint, out=Path("net-rule"))
"""
