/*-------------------------------------------------------------------------
 *
 * track.h
 *	  Shared memory of the tracking limit.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_TRACK_H
#define GL_TRACK_H

/* Bytes of shared memory, to be asked for where the library is preloaded. */
extern Size gl_track_shmem_size(void);

#endif /* GL_TRACK_H */
