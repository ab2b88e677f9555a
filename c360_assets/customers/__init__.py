"""What SQL cannot do about customers over time: moving cut points, lifetime value, attributes."""
