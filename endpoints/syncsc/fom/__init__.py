"""The keypoint baseline: first-order-motion style, eight unsupervised keypoints, 16 numbers per frame."""
