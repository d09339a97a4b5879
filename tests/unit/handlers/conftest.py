from hypothesis import HealthCheck, settings

# Tests assert nothing about time, and a busy machine is no failure: examples may take as long as they like.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
