"""From chats to words."""
