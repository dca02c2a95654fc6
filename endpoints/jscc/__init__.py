"""Video as symbols of a physical channel: joint source-channel coding, and its digital and analog baselines."""
