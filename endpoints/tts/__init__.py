"""The receiver speaks: words and lips to speech."""
