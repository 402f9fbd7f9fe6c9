# The end-to-end proof of get_pools; variables: test/oracle/run.

.PHONY: oracle-pools

oracle-pools:
	@test/oracle/run
