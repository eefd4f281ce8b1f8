# Connects its stdio to a Unix socket, both ways, half-closes passed on: what a child process is to the kit. `perl relay.pl PATH`
use strict;
use Fcntl;
use Socket;

$SIG{PIPE} = 'IGNORE';
my $peer;
socket($peer, AF_UNIX, SOCK_STREAM, 0) && connect($peer, sockaddr_un($ARGV[0])) or die "$ARGV[0]: $!\n";
my @ways = (
  { from => \*STDIN, to => $peer, data => '', open => 1, end => sub { shutdown($peer, 1) } },
  { from => $peer, to => \*STDOUT, data => '', open => 1, end => sub { close(STDOUT) } },
);
for ($peer, \*STDIN, \*STDOUT) { fcntl($_, F_SETFL, fcntl($_, F_GETFL, 0) | O_NONBLOCK) }

while (grep { $_->{open} || length $_->{data} } @ways) {
  my ($read, $write) = ('', '');
  for (@ways) {
    vec($read, fileno($_->{from}), 1) = 1 if $_->{open} && !length $_->{data};
    vec($write, fileno($_->{to}), 1) = 1 if length $_->{data};
  }
  select($read, $write, undef, undef);
  for (@ways) {
    if (length $_->{data}) {
      next unless vec($write, fileno($_->{to}), 1);
      my $sent = syswrite($_->{to}, $_->{data});
      if (defined $sent) { substr($_->{data}, 0, $sent) = '' }
      elsif (!$!{EAGAIN}) { $_->{data} = ''; $_->{open} = 0; close($_->{from}) if $_->{from} == \*STDIN }
    } elsif ($_->{open} && vec($read, fileno($_->{from}), 1)) {
      my $came = sysread($_->{from}, $_->{data}, 65536);
      next if !defined $came && $!{EAGAIN};
      if (!$came) { $_->{open} = 0; $_->{end}->() }
    }
  }
}
