# End-to-end proofs; variables: test/oracle/run (of get_pools), test/oracle/zones.

.PHONY: oracle-pools oracle-zones

oracle-pools:
	@test/oracle/run

oracle-zones:
	@test/oracle/zones
