"""What is kept and told of images, and of what admins do."""
