"""Many settings of the array on given tickets: what each costs, and which are the best."""
