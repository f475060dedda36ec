"""What the JSON API keeps: keys, secrets, answers to repeated requests, webhooks, downloads."""
