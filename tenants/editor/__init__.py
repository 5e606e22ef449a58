"""The pack editor: a bureau's officers write, try out and publish versions of policy packs."""
