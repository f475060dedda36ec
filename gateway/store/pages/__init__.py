"""What the patrons' pages keep: who is signed in, who is being signed in, which forms were sent, failed tries."""
