"""Text to speech at the receiver, from words and lips."""
