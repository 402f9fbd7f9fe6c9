/*-------------------------------------------------------------------------
 *
 * attachment.h
 *	  The compiled mappings of this backend's attached tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef GL_ATTACHMENT_H
#define GL_ATTACHMENT_H

#include "commands/trigger.h"

#include "shipment/mapping.h"

/*
 * The mapping of the trigger that is firing, compiled for its table.  It stays
 * until CurrentMemoryContext is reset, even where the table is altered
 * meanwhile.
 */
extern const GlMapping *gl_attachment_mapping(TriggerData *trigger);

#endif /* GL_ATTACHMENT_H */
