# SPDX-FileCopyrightText: The Fedway authors
# SPDX-License-Identifier: Apache-2.0
# Switches of the build: hardening, sanitizers, coverage, modules inside the program.

# FW_TRY_CFLAG(flag, variable): appends the flag when the compiler takes it without a word
AC_DEFUN([FW_TRY_CFLAG], [
	AS_VAR_PUSHDEF([fw_ok], [fw_cv_cflag_$1])
	AC_CACHE_CHECK([whether $CC takes $1], [fw_ok], [
		fw_saved=$CFLAGS; CFLAGS="$CFLAGS -Werror $1"
		AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([fw_ok], [yes])], [AS_VAR_SET([fw_ok], [no])])
		CFLAGS=$fw_saved])
	AS_VAR_IF([fw_ok], [yes], [$2="$$2 $1"])
	AS_VAR_POPDEF([fw_ok])
])

AC_DEFUN([FW_HARDENING], [
	AC_ARG_ENABLE([hardening], [AS_HELP_STRING([--disable-hardening], [build without hardening flags])], [], [enable_hardening=yes])
	AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [warnings are errors (continuous integration)])], [], [enable_werror=no])
	FW_CFLAGS="-std=c11 -fvisibility=hidden"
	FW_LDFLAGS=
	for flag in -Wall -Wextra -Wshadow -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wpointer-arith -Wundef; do
		FW_TRY_CFLAG([$flag], [FW_CFLAGS])
	done
	# a call inside libfedway is a plain call: nobody replaces its functions from outside
	FW_TRY_CFLAG([-fno-semantic-interposition], [FW_CFLAGS])
	AS_IF([test "$enable_werror" = yes], [FW_CFLAGS="$FW_CFLAGS -Werror"])
	AS_IF([test "$enable_hardening" = yes], [
		FW_TRY_CFLAG([-fstack-protector-strong], [FW_CFLAGS])
		FW_TRY_CFLAG([-fstack-clash-protection], [FW_CFLAGS])
		FW_TRY_CFLAG([-fcf-protection], [FW_CFLAGS])
		AS_CASE(["$CFLAGS"], [*-O0*|*fsanitize*], [], [FW_CFLAGS="$FW_CFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"])
		FW_LDFLAGS="-Wl,-z,relro -Wl,-z,now"])
	AC_SUBST([FW_CFLAGS])
	AC_SUBST([FW_LDFLAGS])
])

AC_DEFUN([FW_SANITIZERS], [
	AC_ARG_ENABLE([sanitizers], [AS_HELP_STRING([--enable-sanitizers], [AddressSanitizer and UndefinedBehaviorSanitizer])], [], [enable_sanitizers=no])
	AS_IF([test "$enable_sanitizers" = yes], [
		FW_CFLAGS="$FW_CFLAGS -U_FORTIFY_SOURCE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
		FW_LDFLAGS="$FW_LDFLAGS -fsanitize=address,undefined"])
	AM_CONDITIONAL([SANITIZERS], [test "$enable_sanitizers" = yes])
])

AC_DEFUN([FW_COVERAGE], [
	AC_ARG_ENABLE([coverage], [AS_HELP_STRING([--enable-coverage], [count executed lines; see make coverage])], [], [enable_coverage=no])
	AS_IF([test "$enable_coverage" = yes], [
		FW_CFLAGS="$FW_CFLAGS --coverage -O0"
		FW_LDFLAGS="$FW_LDFLAGS --coverage"])
	AM_CONDITIONAL([COVERAGE], [test "$enable_coverage" = yes])
])

AC_DEFUN([FW_STATIC_MODULES], [
	AC_ARG_ENABLE([static-modules], [AS_HELP_STRING([--enable-static-modules], [put the modules into fedwayd itself (libltdl preloading)])], [], [enable_static_modules=no])
	AM_CONDITIONAL([STATIC_MODULES], [test "$enable_static_modules" = yes])
])
