"""Draws the receiver's pictures from one reference picture and 16 numbers a frame."""
