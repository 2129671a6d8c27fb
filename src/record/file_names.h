/* file_names.h - the names of the files of a run. */
#ifndef TW_RECORD_FILE_NAMES_H
#define TW_RECORD_FILE_NAMES_H

#include "record/outputs.h"

/* Fills in the names of the outputs' files, links followed, and of what lies beside them. Whatever it returns, those
 * that are not NULL belong to `outputs`. TW_ERROR_ARGUMENT: an output without a file, or one whose file is another's.
 */
tw_status tw__outputs_name(tw_outputs *outputs, const tw_signature *signature, const tw_output *files, tw_error *error);

#endif
