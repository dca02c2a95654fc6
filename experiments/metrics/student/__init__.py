"""lpips_student: a small network distilled from LPIPS squeeze, its data, its training, its card."""
