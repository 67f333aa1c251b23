/*
 * Options of the sanitized build, in the program itself: not every supervisor hands on the
 * environment. Leaks are looked for with ptrace(2), which a confined process may not do.
 */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
