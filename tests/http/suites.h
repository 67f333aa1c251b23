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
Suite *step_suite(void);
Suite *wire_in_process_suite(void);

#endif
