"""How the project is served: gunicorn, the supervisor of server and worker, and files of the server alone."""
