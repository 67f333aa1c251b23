/* The suites of check_http. */
#ifndef SUITES_H
#define SUITES_H

#include <check.h>

Suite *bytes_suite(void);
Suite *etag_suite(void);
Suite *names_suite(void);
Suite *listing_suite(void);
Suite *cache_suite(void);
Suite *answer_suite(void);
Suite *rules_suite(void);
Suite *programs_suite(void);
TCase *pipelining_case(void), *timeouts_case(void), *linger_case(void), *memory_case(void),
	*folder_case(void), *pipes_case(void), *faults_case(void);
Suite *wire_in_process_suite(void);

#endif
