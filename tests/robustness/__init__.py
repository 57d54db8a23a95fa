"""What a real server does when peers, workers, the machine or the admin misbehave."""
