"""The keypoint baseline: first-order-motion style, eight points that nobody named, 16 numbers a frame."""
