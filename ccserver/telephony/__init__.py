"""The edge to Asterisk: calls are controlled by ARI, everything else is asked over AMI."""
