/* What the C library's start-up does before main(), to be taken off a count of system calls. */
int main(void)
{
	return 0;
}
