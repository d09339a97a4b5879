"""Devfiles (https://devfile.io), version 2.x: which commands one has, and what to run for each."""
