"""The pages: what people who use the data look at. They read the published copy only."""
