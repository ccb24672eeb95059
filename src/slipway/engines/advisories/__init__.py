"""Who can be asked for known vulnerabilities: one engine a source, each behind the port `AdvisorySource`."""
