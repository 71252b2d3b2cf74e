"""Addresses from a server: DHCP and BOOTP clients.

The codec and the state machines do no I/O and know no clock; `packet_socket` is the only part that touches the network,
and `lease_file` the only one that touches the disk.
"""
