import os
import sys

from django.contrib.auth import get_user_model, password_validation
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

VARIABLE = "DEMO_USER_PASSWORD"


class Command(BaseCommand):
    help = f"Create the demo user, or give it a new password. The password comes from {VARIABLE} or from stdin."

    def add_arguments(self, parser):
        parser.add_argument("--username", default="demo")

    def handle(self, *args, username, **options):
        password = self.read_password()
        users = get_user_model().objects
        user = users.filter(username=username).first() or users.model(username=username)
        # The password of this user lies in a probe's configuration: it must never open the admin site.
        if user.is_staff or user.is_superuser:
            raise CommandError(f"{username!r} is a member of staff; choose another --username")
        try:
            password_validation.validate_password(password, user)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        created = user.pk is None
        user.is_active = True
        user.set_password(password)
        user.save()
        self.stdout.write(f"{username}: {'created' if created else 'password set'}")

    def read_password(self) -> str:
        password = os.environ.get(VARIABLE, "")
        if not password and not sys.stdin.isatty():
            password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise CommandError(f"no password: set {VARIABLE} or send one line on stdin")
        return password
