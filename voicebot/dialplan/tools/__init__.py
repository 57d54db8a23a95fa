"""Tools for whoever writes dialplans: their form, what changed, their picture, their schema. All of them are pure."""
