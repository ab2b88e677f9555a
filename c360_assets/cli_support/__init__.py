"""What the commands of `c360` do. Only `pipeline` and `status` import Dagster."""
