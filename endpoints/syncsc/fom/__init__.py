"""The keypoint baseline: a first-order motion model whose keypoints are the whole stream."""
