"""The teardown of one environment and its way back. Nothing is deleted that its record could not bring back."""
