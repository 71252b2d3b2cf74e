"""What the kernel is told about the interface: addresses, default route, MTU, link modes. Netlink, synchronous."""
