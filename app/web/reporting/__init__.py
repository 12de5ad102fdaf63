"""All that is known of one trigger, for whoever has to report it: files, and a page to print."""
