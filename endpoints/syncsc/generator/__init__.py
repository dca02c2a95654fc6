"""Renders the receiver's pictures from one reference picture and 16 numbers per frame."""
