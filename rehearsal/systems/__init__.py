"""Systems that are played: a library's, one that asks us, a catalogue."""
