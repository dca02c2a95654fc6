"""Packet codes for the 16 numbers of a frame: what is sent of them, and what is made of what arrives."""
