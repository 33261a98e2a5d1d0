"""What all tests in Python share: DNS messages and a client, processes and daemons, waiting, network
namespaces. Standard library only: it runs in the lab's dom0, too."""
