"""Training of the networks for joint source-channel coding."""
