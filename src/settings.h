/*-------------------------------------------------------------------------
 *
 * settings.h
 *	  The settings ganje_logistics.*, each beside its unit.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_SETTINGS_H
#define GL_SETTINGS_H

extern char *gl_setting_now;              /* time to read rules against; empty: the transaction's */
extern int gl_setting_hold_ttl;           /* seconds */
extern int gl_setting_max_vertices;       /* per zone */
extern int gl_setting_max_matches;        /* zones of one answer */
extern int gl_setting_import_max_bytes;   /* of a GeoJSON */
extern int gl_setting_zone_max_bytes;     /* of a zone's rules */
extern int gl_setting_zone_cache_size;    /* kilobytes */
extern int gl_setting_json_max_depth;     /* nesting of payloads */
extern int gl_setting_webhook_max_bytes;  /* of a payload that is read */
extern int gl_setting_pool_budget;        /* search nodes of one get_pools */
extern bool gl_setting_dump_credentials;  /* pg_dump takes secrets along */
extern char *gl_setting_databases;        /* comma-separated; empty: all */
extern char *gl_setting_allowed_networks; /* superuser: private networks that may be called */
extern char *gl_setting_ca_file;       /* superuser: certificates to trust; empty: the system's */
extern int gl_setting_poll_interval;   /* ms between looks at the outbox without a wake-up */
extern int gl_setting_batch_size;      /* requests leased at a time */
extern int gl_setting_workers;         /* of each database */
extern int gl_setting_max_connections; /* of one worker, all accounts together */
extern int gl_setting_lease_margin;    /* ms that a lease outlasts the timeout */
extern int gl_setting_log_days;        /* days that finished requests are kept, 1 to 31 */
extern int gl_setting_inbox_days;      /* days that applied payloads are kept */
extern int gl_setting_track_tries;     /* wrong phones per order and hour */

extern void gl_settings_define(void);

#endif /* GL_SETTINGS_H */
