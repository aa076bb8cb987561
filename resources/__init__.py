"""What there is: Actors, tasks, schedules, builds, runs, storages, and their content."""
