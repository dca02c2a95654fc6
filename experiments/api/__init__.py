"""lossweep: what a receiver sees and hears when the network loses packets."""
