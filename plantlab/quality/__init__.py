"""Are the labels right, and the photos fit to train on? What machines doubt and what people say."""
