"""Where chats come from: the warehouse, the simulator, a file of one's own; and how they are split."""
