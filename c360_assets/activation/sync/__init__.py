"""Row-wise syncs: what is wanted, what was acknowledged, the plan between, and its carrying out."""
